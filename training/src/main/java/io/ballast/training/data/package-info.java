/**
 * Judgements of people on completions: read from files, checked, split, and grouped to train on.
 */
@NullMarked
package io.ballast.training.data;

import org.jspecify.annotations.NullMarked;
