/**
 * Cost models from judgements of harm: trained, centred, and published as a version that serves.
 */
@NullMarked
package io.ballast.training.cost;

import org.jspecify.annotations.NullMarked;
