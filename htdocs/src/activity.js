// SPDX-License-Identifier: Apache-2.0
// How far all uploads of this page are, for the bar at its top: known here
// without loading what uploads.

class Activity extends EventTarget {
    sum = null;

    tell(sum) {
        this.sum = sum;
        this.dispatchEvent(new Event("change"));
    }
}

export const activity = new Activity();
