//! `fieldline certs`: a development CA, and certificates for a server and for devices.

use fieldline_broker::{PkiFiles, Validity, add_device, create_pki};

use crate::cli::CertsOptions;
use crate::exit::Exit;
use crate::output;

/// Makes the files, or adds devices to a CA that is there; refuses to overwrite any.
pub(crate) fn certs(options: &CertsOptions) -> anyhow::Result<Exit> {
    let validity = Validity { now: crate::disk::now(), days: options.days };
    let devices = options.devices.clone();
    let files = if options.add {
        let added = devices.iter().map(|device| add_device(&options.into, device, validity));
        added.collect::<Result<Vec<_>, _>>()?.concat()
    } else {
        create_pki(
            &options.into,
            &PkiFiles { server_names: options.server_names.clone(), devices, validity },
        )?
    };
    for path in files {
        output::print(path.display());
    }
    Ok(Exit::Done)
}
