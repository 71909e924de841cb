"""Elementwise features of a customer. Tenure, card and salary are left out: over many splits they only add noise."""

from portfolio.spec import Frame


def features(frame: Frame) -> Frame:
    products, has_balance = frame["NumOfProducts"], (frame["Balance"] > 0).astype(float)
    kept = ("CreditScore", "Age", "Balance", "NumOfProducts", "IsActiveMember", "Geography", "Gender")
    return {name: frame[name] for name in kept} | {
        "has_balance": has_balance,
        "products_balance": 10 * products + has_balance,
        "age_inactive": frame["Age"] * (1 - frame["IsActiveMember"]),
        "products_germany": 10 * (frame["Geography"] == "Germany") + products,
    }
