/** The learner: sessions of weights in training, losses, operations. Plain Java. */
@NullMarked
package io.ballast.orchestrator.core.learner;

import org.jspecify.annotations.NullMarked;
