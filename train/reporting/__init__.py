"""What a person reads of a run, an audit or an archive: reports, charts, small pictures, tables of verdicts."""
