// The version of the product; scripts/build checks that it equals package.json's.
export const version = '0.1.0';
