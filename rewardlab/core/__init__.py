"""The algebra: types, composition, masks, recursions, order."""
