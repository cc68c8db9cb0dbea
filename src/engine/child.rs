//! The child process: clickhouse-local's server out of `libchdb.so`, with a pseudo-terminal as standard input.
//! The terminal makes it "interactive", so it does not install Poco's `KillingErrorHandler`, which ends the process
//! when any client resets its connection (ClickHouse issue 115666). Its end comes as end-of-file on that terminal.
//! Exit codes say nothing (0 also on failure); whoever started it asks it something.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{io, ptr, thread};

use anyhow::{Context, bail, ensure};

use super::EngineArgs;

pub(super) fn run(args: &EngineArgs) -> anyhow::Result<()> {
    end_with_parent(args.parent)?;
    let terminal = terminal_as_stdin().context("no pseudo-terminal for the engine")?;
    let signals = block_signals();
    thread::spawn(move || discard_output(terminal));
    let stop_limit = Duration::from_millis(args.stop_ms);
    thread::spawn(move || end_on_signal(terminal, signals, stop_limit));
    let library = Library::open(&args.library)?;
    library.serve(&arguments(args)?)
}

fn arguments(args: &EngineArgs) -> anyhow::Result<Vec<CString>> {
    let dir = args.dir.to_str().context("the engine's folder must have a name in UTF-8")?;
    let words = [
        "clickhouse-local".to_owned(),
        format!("--path={dir}"),
        format!("--config-file={dir}/config.xml"),
        format!("--http_port={}", args.port),
        "--listen_host=127.0.0.1".to_owned(),
        "--interactive".to_owned(),
        "-n".to_owned(),
        "-q".to_owned(),
        "SYSTEM START LISTEN HTTP;".to_owned(),
    ];
    words.into_iter().map(|word| CString::new(word).context("a zero byte in an argument")).collect()
}

/// The kernel sends SIGTERM when the thread that started us ends. If it ended before we asked, it is too late to ask.
fn end_with_parent(parent: u32) -> anyhow::Result<()> {
    // SAFETY: plain system calls on our own process.
    let (asked, now) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM), libc::getppid()) };
    ensure!(asked == 0, "prctl: {}", io::Error::last_os_error());
    ensure!(u32::try_from(now).ok() == Some(parent), "milepost ended before its engine started");
    Ok(())
}

/// Makes a new pseudo-terminal our standard input and returns its other end. No echo, so that nothing piles up.
fn terminal_as_stdin() -> io::Result<RawFd> {
    let ok = |outcome: c_int| if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome) };
    // SAFETY: each call gets valid descriptors and buffers of the size that it is told; termios is plain data.
    unsafe {
        let master = ok(libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC))?;
        ok(libc::grantpt(master))?;
        ok(libc::unlockpt(master))?;
        let mut name = [0 as c_char; 128];
        match libc::ptsname_r(master, name.as_mut_ptr(), name.len()) {
            0 => {}
            code => return Err(io::Error::from_raw_os_error(code)),
        }
        let slave = ok(libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NOCTTY))?;
        let mut mode: libc::termios = std::mem::zeroed();
        ok(libc::tcgetattr(slave, &mut mode))?;
        mode.c_lflag &= !(libc::ECHO | libc::ECHOE | libc::ECHOK | libc::ECHONL);
        mode.c_lflag |= libc::ICANON;
        ok(libc::tcsetattr(slave, libc::TCSANOW, &mode))?;
        ok(libc::dup2(slave, 0))?;
        if slave > 2 {
            libc::close(slave);
        }
        Ok(master)
    }
}

/// In every thread started from here on, so that only `end_on_signal` hears them.
fn block_signals() -> libc::sigset_t {
    // SAFETY: the set is initialised by sigemptyset before it is used.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            libc::sigaddset(&mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, ptr::null_mut());
        set
    }
}

fn discard_output(terminal: RawFd) {
    let mut buffer = [0u8; 4096];
    loop {
        // SAFETY: the buffer is ours and as long as it is said to be.
        if unsafe { libc::read(terminal, buffer.as_mut_ptr().cast(), buffer.len()) } <= 0 {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Writes end-of-file until the engine has heard it: a single one can be lost to a flush of the terminal.
fn end_on_signal(terminal: RawFd, signals: libc::sigset_t, limit: Duration) {
    let mut signal = 0;
    // SAFETY: the set was initialised; one byte is written from a literal; SIGKILL to ourselves needs nothing.
    unsafe {
        while libc::sigwait(&signals, &mut signal) != 0 {}
        let heard = Instant::now();
        while heard.elapsed() < limit {
            libc::write(terminal, b"\x04".as_ptr().cast(), 1);
            thread::sleep(Duration::from_millis(50));
        }
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
}

type Query = extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;
type Error = extern "C" fn(*mut c_void) -> *const c_char;

/// The opened `libchdb.so`. It is never closed: its threads would not survive that.
struct Library {
    query: Query,
    error: Error,
}

impl Library {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let name = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: the name is a C string; opening runs the library's constructors, which is what we came for.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
        if handle.is_null() {
            // SAFETY: after a failed dlopen, dlerror gives a C string.
            bail!("{}", unsafe { CStr::from_ptr(libc::dlerror()) }.to_string_lossy());
        }
        let symbol = |name: &CStr| {
            // SAFETY: the handle is open.
            let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
            ensure!(!found.is_null(), "{} has no {}", path.display(), name.to_string_lossy());
            Ok(found)
        };
        let (query, error) = (symbol(c"chdb_query_cmdline")?, symbol(c"chdb_result_error")?);
        // SAFETY: these are the signatures in the library's chdb.h.
        Ok(unsafe {
            Self {
                query: std::mem::transmute::<*mut c_void, Query>(query),
                error: std::mem::transmute::<*mut c_void, Error>(error),
            }
        })
    }

    /// Returns when the engine has ended.
    fn serve(&self, arguments: &[CString]) -> anyhow::Result<()> {
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|word| word.as_ptr().cast_mut()).collect();
        pointers.push(ptr::null_mut());
        let result = (self.query)(c_int::try_from(arguments.len())?, pointers.as_mut_ptr());
        if result.is_null() {
            return Ok(());
        }
        let error = (self.error)(result);
        if !error.is_null() {
            // SAFETY: the library gives a C string that lives as long as the result, which is never freed.
            bail!("{}", unsafe { CStr::from_ptr(error) }.to_string_lossy());
        }
        Ok(())
    }
}

/// Asks another process (our child) to end.
pub(super) fn terminate(pid: u32) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: a signal to a child that has not been waited for, so the number is still its own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}
