"""What the settings of `[[rates]]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

RATES = Group(
    "rates",
    Meaning("What other currencies are worth in the one of budgets.", "其他币种折合为预算币种的汇率。"),
    {
        "currency": Meaning("The other currency.", "另一币种。"),
        "worth": Meaning("What one unit of it is worth in the currency of budgets.", "每单位折合多少预算币种。"),
        "since": Meaning("The day from which it holds, UTC; empty: always.", "自哪一天（UTC）起有效；留空为一直有效。"),
    },
    examples={
        "currency": "USD",
        "worth": 7.12,
    },
)
