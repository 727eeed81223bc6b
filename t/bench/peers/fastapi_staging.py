# SPDX-License-Identifier: Apache-2.0
"""The peer: an upload service as one writes it with FastAPI, SQLAlchemy and
uvicorn. It answers as mod_staging does, and an upload is durable before its
answer: bytes, name and row. Sync handlers run in FastAPI's thread pool, and
hashlib lets go of the interpreter, so that it uses the cores too."""

import hashlib
import os
import uuid
from datetime import datetime, timedelta, timezone

import psycopg2
from fastapi import Depends, FastAPI, Form, Header, HTTPException, UploadFile
from sqlalchemy import (BigInteger, Column, DateTime, ForeignKey, Text,
                        create_engine)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import (Session, declarative_base, joinedload,
                            relationship, sessionmaker)

DIR = os.environ["PEER_DIR"]
BLOCK = 1 << 20

engine = create_engine("postgresql+psycopg2://", pool_size=16,
                       creator=lambda: psycopg2.connect(os.environ["PEER_DSN"]))
make_session = sessionmaker(engine)
Base = declarative_base()


class Account(Base):
    __tablename__ = "account"
    id = Column(UUID(as_uuid=True), primary_key=True)
    disabled = Column(DateTime(timezone=True))


class ApiKey(Base):
    __tablename__ = "api_key"
    id = Column(UUID(as_uuid=True), primary_key=True)
    account_id = Column("account", ForeignKey("account.id"))
    sha256 = Column(Text)
    expires = Column(DateTime(timezone=True))
    revoked = Column(DateTime(timezone=True))
    account = relationship(Account)


class StoredObject(Base):
    __tablename__ = "object"
    id = Column(UUID(as_uuid=True), primary_key=True)
    size = Column(BigInteger)
    md5 = Column(Text)
    sha1 = Column(Text)
    sha256 = Column(Text)


class Upload(Base):
    __tablename__ = "upload"
    id = Column(UUID(as_uuid=True), primary_key=True)
    service = Column(Text)
    owner = Column(Text)
    object_id = Column("object", ForeignKey("object.id"))
    label = Column(Text)
    filename = Column(Text)
    content_type = Column(Text)
    status = Column(Text)
    message = Column(Text)
    created = Column(DateTime(timezone=True))
    expires = Column(DateTime(timezone=True))
    object = relationship(StoredObject)


class PeerUpload(Base):
    """Its own uploads: one row each."""
    __tablename__ = "peer_upload"
    id = Column(UUID(as_uuid=True), primary_key=True)
    owner = Column(Text)
    label = Column(Text)
    filename = Column(Text)
    content_type = Column(Text)
    status = Column(Text)
    message = Column(Text)
    created = Column(DateTime(timezone=True))
    expires = Column(DateTime(timezone=True))
    size = Column(BigInteger)
    md5 = Column(Text)
    sha1 = Column(Text)
    sha256 = Column(Text)


app = FastAPI()


def session():
    with make_session() as opened:
        yield opened


def owner(authorization: str = Header(""), db: Session = Depends(session)):
    digest = hashlib.sha256(authorization[len("Bearer "):].encode())
    key = (db.query(ApiKey).options(joinedload(ApiKey.account))
           .filter(ApiKey.sha256 == digest.hexdigest()).first())
    now = datetime.now(timezone.utc)
    if (not authorization.startswith("Bearer ") or not key or key.revoked
            or key.account.disabled or (key.expires and key.expires <= now)):
        raise HTTPException(401, "The key is not valid",
                            {"WWW-Authenticate": "Bearer"})
    return f"account:{key.account_id}"


def rfc3339(time):
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(upload, stored):
    return {
        "id": str(upload.id), "label": upload.label, "status": upload.status,
        "sha1": stored.sha1, "md5": stored.md5, "sha256": stored.sha256,
        "data_url": f"/upload/{upload.id}/data",
        "expires": rfc3339(upload.expires), "filename": upload.filename,
        "size": stored.size, "content_type": upload.content_type,
        "created": rfc3339(upload.created), "message": upload.message}


def sync_directory(path):
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def keep(source, path):
    md5, sha1, size = hashlib.md5(), hashlib.sha1(), 0
    with open(path + ".new", "wb", buffering=0) as target:
        while block := source.read(BLOCK):
            md5.update(block)
            sha1.update(block)
            target.write(block)
            size += len(block)
        os.fsync(target.fileno())
    os.rename(path + ".new", path)
    sync_directory(DIR)
    return size, md5.hexdigest(), sha1.hexdigest()


@app.post("/upload", status_code=202)
def post(file: UploadFile, label: str = Form(None), who=Depends(owner),
         db: Session = Depends(session)):
    made = uuid.uuid4()
    now = datetime.now(timezone.utc)
    size, md5, sha1 = keep(file.file, os.path.join(DIR, str(made)))
    upload = PeerUpload(
        id=made, owner=who, label=label or file.filename,
        filename=file.filename, content_type=file.content_type,
        status="success", created=now, expires=now + timedelta(days=30),
        size=size, md5=md5, sha1=sha1)
    db.add(upload)
    db.commit()
    return entry(upload, upload)


@app.get("/upload")
def page(limit: int = 20, who=Depends(owner), db: Session = Depends(session)):
    uploads = (db.query(Upload).options(joinedload(Upload.object))
               .filter(Upload.service == "staging", Upload.owner == who,
                       Upload.expires > datetime.now(timezone.utc))
               .order_by(Upload.created.desc(), Upload.id.desc())
               .limit(limit))
    return [entry(upload, upload.object) for upload in uploads]


@app.get("/ready")
def ready():
    return "ready"
