"""The page of a run or a study: one HTML file that needs no network. `command.write_report` writes it."""
