/** What code runs here. */
@NullMarked
package io.ballast.kit.build;

import org.jspecify.annotations.NullMarked;
