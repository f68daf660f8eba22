"""What the settings of `[money]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

MONEY = Group(
    "money",
    Meaning("What budgets are counted in, and who hears when one runs low.", "预算的币种，以及预算将尽时通知谁。"),
    {
        "currency": Meaning(
            "The currency that budgets are counted in: CNY or USD; none: the one everything is priced in, else CNY.",
            "预算币种：CNY 或 USD；不填则为所有价格共用的币种，否则为 CNY。",
        ),
        "prices_file": Meaning("A TOML file with more rows of [[prices]].", "另含 [[prices]] 各行的 TOML 文件。"),
        "alert_url": Meaning(
            "Gets an HTTP POST (JSON, signed) when a budget has reached a share; empty: nobody does.",
            "预算达到告警比例时向此地址发送 HTTP POST（JSON，带签名）；留空则不发送。",
        ),
        "alert_secret": Meaning(
            "What alerts are signed with (HMAC-SHA256): env:NAME or file:PATH.",
            "告警签名密钥（HMAC-SHA256）：env:变量名 或 file:路径。",
        ),
        "alert_percents": Meaning("The shares of a budget at which it alerts, percent.", "预算告警的比例，百分数。"),
    },
    examples={
        "currency": "CNY",
        "prices_file": "prices.toml",
    },
)
