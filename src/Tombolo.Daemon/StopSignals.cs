// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Daemon;

/// <summary>Whatever tells the daemon to stop: a signal, or the admin interface. The first one counts.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly TaskCompletionSource _requested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration _terminate, _interrupt, _hangUp;

    public StopSignals()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Take(signal, "SIGTERM came"));
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Take(signal, "SIGINT came"));
        // A terminal that goes away is no reason to stop.
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true);
    }

    /// <summary>Cancelled once a stop was asked for.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Completes once a stop was asked for.</summary>
    public Task Requested => _requested.Task;

    /// <summary>Why.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Asks for a stop.</summary>
    public void Request(string reason)
    {
        lock (_requested)
        {
            if (Reason.Length > 0) return;
            Reason = reason;
        }
        _ = _requested.TrySetResult();
        _source.Cancel();
    }

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _hangUp.Dispose();
        _source.Dispose();
    }

    private void Take(PosixSignalContext signal, string reason)
    {
        signal.Cancel = true;   // not the runtime's sudden end
        Request(reason);
    }
}
