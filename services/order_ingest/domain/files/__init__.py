"""Order history in the files that platforms export: recognised, read row by row, turned into canonical orders."""
