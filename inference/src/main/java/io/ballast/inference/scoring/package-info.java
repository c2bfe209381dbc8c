/**
 * What servers share that have models score completions: where the models come from, how their
 * versions are found, loaded and batched. It has never heard of what the scores mean.
 */
@NullMarked
package io.ballast.inference.scoring;

import org.jspecify.annotations.NullMarked;
