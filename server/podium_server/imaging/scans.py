"""How often a JPEG goes over its picture: 75 bytes of it may cost a tenth of a second, so scans are counted.

Source: ITU-T T.81, annex B.
"""

import re

# Progressive files of all encoders in use have about ten; djpeg's authors advise a bound against what is made to harm.
MOST_SCANS = 64
_START_OF_SCAN, _END = 0xDA, 0xD9
# In the data of a scan a marker is 0xFF with anything behind it but a stuffed zero, a restart, or one more 0xFF.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def has_too_many_scans(encoded: bytes) -> bool:
    """Whether a JPEG has more than MOST_SCANS; what follows its end, as cameras put films there, does not count."""
    if encoded.count(b"\xff\xda") <= MOST_SCANS:
        return False  # nearly always: the bytes alone say so
    scans, at = 0, 2
    while (found := _MARKER.search(encoded, at)) is not None:
        marker, at = encoded[found.start() + 1], found.end()
        if marker == _END:
            return False
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > MOST_SCANS:
                return True
        at += int.from_bytes(encoded[at : at + 2], "big")  # the segment's length; of a scan, its header's
    return False
