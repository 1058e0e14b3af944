"""The other contestants: each written as its own library's tutorial shows it."""
