//! `referral key`

use rand::TryRng;
use rand::rngs::SysRng;
use referral_core::KeyRing;
use referral_core::token::{Key, KeyError};

use crate::args::KeyCommand;
use crate::failure::Failure;
use crate::output::{self, Output};

const USE: &str = "\
this line is secret. Put it first in REFERRAL_KEYS, or wherever the site keeps its key ring: the first
line signs, all of them verify. To change keys, leave the old line behind the new one with @ and the
milliseconds since 1970 at which its last token expires, and take it out after that.";

/// Makes a key.
pub(crate) fn run(command: KeyCommand, out: &mut Output) -> Result<(), Failure> {
    let KeyCommand::New(args) = command;
    let key = match args.id {
        Some(id) => {
            let mut secret = [0_u8; Key::SECRET_MIN];
            SysRng.try_fill_bytes(&mut secret).map_err(|_| KeyError::Random)?;
            Key::new(id, secret)?
        }
        None => Key::generate()?,
    };
    out.line(KeyRing::new(key).reveal().trim_end())?;
    output::say(USE);
    Ok(())
}
