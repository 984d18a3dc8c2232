/*
 * What an hour costs, in US dollars, before tax and discounts: X(region, mirrored interface).
 * A region that is not listed is taken at PRICES_DEFAULT, and its cost is called an estimate.
 * `--price` replaces all of it.
 */
#define PRICES_DATE    "2026-11-01"
#define PRICES_SOURCE  "https://aws.amazon.com/vpc/pricing/"
#define PRICES_DEFAULT 0.015

#define PRICES_TABLE(X)                                                                            \
	X("us-east-1", 0.015)                                                                      \
	X("us-east-2", 0.015)                                                                      \
	X("us-west-2", 0.015)
