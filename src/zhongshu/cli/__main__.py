"""`python -m zhongshu.cli`: the same as the `zhongshu` script."""

from zhongshu.cli.main import main

main()
