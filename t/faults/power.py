# SPDX-License-Identifier: Apache-2.0
"""A disk that loses what nobody has synced when its power is cut. Programs
write to an ordinary folder, and power.c notes what they do there."""

import collections
import contextlib
import os
import random
import shutil
from pathlib import Path

from stack import run

SOURCE = Path(__file__).with_name("power.c")


class Disk:
    """A folder, for programs with this environment. No method but broken() is
    called while one of them runs."""

    def __init__(self, folder, notes):
        self.folder = folder
        self.notes = notes
        self.journal = notes / "journal"
        self.lost = 0        # names, and files not kept whole, by all cuts
        self.notes.mkdir(exist_ok=True)
        library = notes / "power.so"
        run(os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-O1", "-Wall",
            "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE,
            "-ldl")
        preload = [os.environ.get("STAGING_PRELOAD"), str(library)]
        self.environment = {
            "STAGING_PRELOAD": ":".join(filter(None, preload)),
            "STAGING_DISK": str(folder), "STAGING_DISK_NOTES": str(notes)}

    def begin(self, names_are_safe=True):
        """Whatever is there now is safe, but its names may not be."""
        shutil.rmtree(self.notes / "kept", ignore_errors=True)
        (self.notes / "kept").mkdir()
        lines, folders = [], [self.folder.parent]
        disk = self.folder.parent.glob(self.folder.name)
        for path in sorted([*disk, *self.folder.rglob("*")]):
            if path.is_dir():
                lines.append(f"+ dir {path}\n")
                folders.append(path)
            else:
                file = path.stat()
                lines += [f"+ {file.st_ino} {path}\n",
                          f"= {file.st_ino} {file.st_size}\n"]
                if not self._kept(file.st_ino).exists():
                    self._kept(file.st_ino).hardlink_to(path)
        if names_are_safe:
            size = len("".join(lines))
            lines += [f"/ {size} {folder}\n" for folder in folders]
        self.journal.write_text("".join(lines))

    @contextlib.contextmanager
    def broken(self, what):
        """Meanwhile no "files", or no "folders", can be synced."""
        sign = self.notes / f"broken-{what}"
        sign.touch()
        try:
            yield
        finally:
            sign.unlink()

    def cut(self):
        """What was not synced is gone, or got there in part."""
        names, sizes = self._survivors()
        shutil.rmtree(self.folder)
        for path, inode in sorted(names.items()):
            if not path.parent.exists():
                continue
            if inode == "dir":
                path.mkdir(0o700)
            elif not path.exists():
                path.hardlink_to(self._kept(inode))
                self._lose_bytes(path, sizes[inode])
        self.begin()

    def _kept(self, inode):
        return self.notes / "kept" / str(inode)

    def _survivors(self):
        """({path: inode}, {inode: size}) as of the journal. Of what was done
        to a folder since it was synced, some of the first was in time."""
        changes = collections.defaultdict(list)  # folder -> (end, path, inode)
        synced, sizes = collections.Counter(), collections.Counter()
        end = 0
        for line in self.journal.read_text().splitlines(keepends=True):
            end += len(line)
            kind, *inode, text = line.split()
            if kind in "+-":
                path = Path(text)
                changes[path.parent].append((end, path, *inode))
            elif kind == "/":
                folder = Path(text)
                synced[folder] = max(synced[folder], int(inode[0]))
            else:
                sizes[inode[0]] = max(sizes[inode[0]], int(text))
        names = {}
        for folder, made in changes.items():
            safe = sum(end <= synced[folder] for end, *_change in made)
            count = random.choice([safe, random.randint(safe, len(made))])
            self.lost += len(made) - count
            for _end, path, *inode in made[:count]:
                if inode:
                    names[path] = inode[0]
                else:
                    names.pop(path, None)
        return names, sizes

    def _lose_bytes(self, path, safe):
        """A size may be there before its bytes."""
        size = path.stat().st_size
        if size > safe:
            self.lost += 1
            os.truncate(path, safe)
            os.truncate(path, random.choice([safe, size]))
