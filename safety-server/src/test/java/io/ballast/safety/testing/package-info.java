/** Fakes of what the safety-server meets. */
@NullMarked
package io.ballast.safety.testing;

import org.jspecify.annotations.NullMarked;
