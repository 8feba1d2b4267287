"""Everything that training, scoring and the page share: open a scan, invert it, measure it, judge it."""
