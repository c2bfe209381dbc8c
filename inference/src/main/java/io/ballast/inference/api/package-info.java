/** The ports that servers see: what a model can be asked, and what it answers. Plain Java. */
@NullMarked
package io.ballast.inference.api;

import org.jspecify.annotations.NullMarked;
