/** What all of the safety-server shares, in plain Java. */
@NullMarked
package io.ballast.safety.core;

import org.jspecify.annotations.NullMarked;
