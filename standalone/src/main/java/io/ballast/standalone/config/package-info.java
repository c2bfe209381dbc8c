/** The process's properties, as the operator gives them and as the code takes them. */
@NullMarked
package io.ballast.standalone.config;

import org.jspecify.annotations.NullMarked;
