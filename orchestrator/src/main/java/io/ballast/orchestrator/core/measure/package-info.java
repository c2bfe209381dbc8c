/** Harm that is measured along a run, by judges that nothing is optimised against. */
@NullMarked
package io.ballast.orchestrator.core.measure;

import org.jspecify.annotations.NullMarked;
