/** The process: reads configuration, starts the servers whose roles it plays, and drains them. */
@NullMarked
package io.ballast.standalone;

import org.jspecify.annotations.NullMarked;
