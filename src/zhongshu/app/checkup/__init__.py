"""What `zhongshu doctor` looks at: one file for each part, each check says what it found and how to mend it."""
