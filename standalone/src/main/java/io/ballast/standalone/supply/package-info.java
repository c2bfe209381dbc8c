/** What comes along from others: libraries and their licences. */
@NullMarked
package io.ballast.standalone.supply;

import org.jspecify.annotations.NullMarked;
