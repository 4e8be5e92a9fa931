//! Words of the wire: a cursor over foreign bytes with positions, hex and base64url, time, limits.
