/**
 * Sequence classifiers that users bring, as members that judge completions: what they read, which
 * of their outputs is the score, on which scale it lies.
 */
@NullMarked
package io.ballast.inference.brought;

import org.jspecify.annotations.NullMarked;
