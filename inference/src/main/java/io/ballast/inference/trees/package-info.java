/** Gradient-boosted trees as plain numbers: read from XGBoost's files, and walked. */
@NullMarked
package io.ballast.inference.trees;

import org.jspecify.annotations.NullMarked;
