"""Programs about logs, ours or anybody's: audit, monitor, witness. They import `shugu.formats` and nothing else of ours."""
