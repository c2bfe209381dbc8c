/** What can go wrong, as data. Plain Java, so that any core may throw it. */
@NullMarked
package io.ballast.kit.error;

import org.jspecify.annotations.NullMarked;
