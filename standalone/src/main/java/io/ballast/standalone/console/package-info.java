/** Gives the console the mesh of this process. */
@NullMarked
package io.ballast.standalone.console;

import org.jspecify.annotations.NullMarked;
