"""Words with the photo, groups, rules and objects: what they find and what they cost."""
