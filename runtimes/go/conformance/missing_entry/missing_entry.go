// Package missing_entry has no function that is asked for.
package missing_entry

func Other() {}
