/** The console's edge: routes, who may ask, and failures as JSON. */
@NullMarked
package io.ballast.console.http;

import org.jspecify.annotations.NullMarked;
