"""Read, check, split and augment labelled photos, and convert them to tensors.

Photos are preprocessed by the same function as in production. This package may import no other
package of the lab.
"""
