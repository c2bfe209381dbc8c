/** Where the demo asks: real positions, drawn into sets that share no file. */
@NullMarked
package io.ballast.standalone.demo.position;

import org.jspecify.annotations.NullMarked;
