//! Prints which extensions of the processor are detected here, as cryptography libraries detect them: `./instructions`
//! runs this under valgrind, which shows programs a processor of its own.

fn main() {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as detected;

        for (name, found) in [
            ("aes", detected!("aes")),
            ("pclmulqdq", detected!("pclmulqdq")),
            ("sha", detected!("sha")),
            ("avx2", detected!("avx2")),
            ("vaes", detected!("vaes")),
            ("vpclmulqdq", detected!("vpclmulqdq")),
            ("avx512f", detected!("avx512f")),
            ("avx512ifma", detected!("avx512ifma")),
        ] {
            if found {
                println!("{name}");
            }
        }
    }
}
