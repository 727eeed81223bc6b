// SPDX-License-Identifier: Apache-2.0
// How fast bytes go, by those of the last seconds.

const WINDOW = 8000; // milliseconds

export class Pace {
    constructor() {
        this.samples = [];
    }

    add(sent, now = performance.now()) {
        const last = this.samples.at(-1);
        if (last && now - last[0] < 200) last[1] = sent;
        else this.samples.push([now, sent]);
        while (this.samples.length > 2 && now - this.samples[0][0] > WINDOW)
            this.samples.shift();
    }

    /** Bytes per second, 0 as long as nobody can tell. */
    get rate() {
        const [first, last] = [this.samples[0], this.samples.at(-1)];
        if (!first || last[0] - first[0] < 1000) return 0;
        return (last[1] - first[1]) / (last[0] - first[0]) * 1000;
    }
}
