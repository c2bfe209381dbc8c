/**
 * Whether the safety test keeps its promise, and what it costs: selection under three rules, ten
 * thousand tests by the service with costs of a known mean, and two hundred by a whole mesh.
 */
@NullMarked
package io.ballast.standalone.experiment.safety;

import org.jspecify.annotations.NullMarked;
