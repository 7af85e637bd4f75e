// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Text.Json;
using Tombolo.Linux;
using Tombolo.Switching;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    private static readonly TimeSpan _longEnough = TimeSpan.FromSeconds(10);   // a switch that broke sooner than this would only break again

    private readonly ConcurrentDictionary<string, HostedSwitch> _switches = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _switchRestarts = new(StringComparer.Ordinal);

    /// <summary>A running switch, or null.</summary>
    /// <param name="name">Its name.</param>
    public HostedSwitch? Switch(string name) => _switches.GetValueOrDefault(name);

    /// <summary>Changes a running switch, and says so.</summary>
    /// <param name="name">The switch.</param>
    /// <param name="sentence">What is changed, for the event.</param>
    /// <param name="change">Changes it.</param>
    /// <exception cref="TomboloException">There is no such switch, or the change cannot be.</exception>
    public async Task ChangeSwitchAsync(string name, string sentence, Func<HostedSwitch, Task> change)
    {
        await change(Running(name));
        Say(FabricEventKind.SwitchChanged, name, sentence);
    }

    /// <summary>Captures a port of a running switch, and says so.</summary>
    /// <param name="name">The switch.</param>
    /// <param name="port">Its port.</param>
    /// <param name="output">Where the pcapng goes; written by a thread of the capture's own.</param>
    /// <param name="options">How.</param>
    /// <param name="begun">Called when the capture has begun.</param>
    /// <param name="until">Ends it.</param>
    /// <exception cref="TomboloException">There is no such port, or it is captured already.</exception>
    public async Task CaptureAsync(string name, string port, Stream output, CaptureOptions options, Func<Task> begun, CancellationToken until)
    {
        PortCapture? capture = null;
        await ChangeSwitchAsync(name, $"Port {port} is captured (switch {name}).", async one => capture = await one.Switch.CaptureAsync(port, output, options));
        try
        {
            await begun();
            await Task.WhenAny(capture!.Completion, Task.Delay(Timeout.Infinite, until));
        }
        finally
        {
            await capture!.DisposeAsync();
            Say(FabricEventKind.SwitchChanged, name, $"Port {port} is no longer captured (switch {name}): {capture.Written} frames were written, {capture.Dropped} dropped.");
        }
    }

    /// <summary>Ends the capture of a port, whoever began it.</summary>
    /// <param name="name">The switch.</param>
    /// <param name="port">Its port.</param>
    /// <returns>What it came to.</returns>
    /// <exception cref="TomboloException">There is no such port, or it is not captured.</exception>
    public async Task<CaptureEnd> EndCaptureAsync(string name, string port)
    {
        PortCapture capture = await Running(name).Switch.EndCaptureAsync(port);
        return new(capture.Written, capture.Dropped);
    }

    private HostedSwitch Running(string name)
    {
        if (Declaration.Switches.All(one => one.Name != name))
            throw new FabricException($"Fabric {Declaration.Name} has no switch '{name}'; it has {string.Join(", ", Declaration.Switches.Select(one => one.Name).DefaultIfEmpty("none"))}.");
        return Switch(name) ?? throw new FabricException($"Switch {name} does not run now.");
    }

    private async Task StartSwitchAsync(SwitchDeclaration declared)
    {
        try
        {
            HostedSwitch hosted = HostedSwitch.Start(Declaration.Name, declared, Paths, _options);
            bool isTooLate;
            lock (_gate) if (!(isTooLate = _isStopped)) _switches[declared.Name] = hosted;
            if (isTooLate)
            {
                await hosted.DisposeAsync();
                throw new FabricException($"Fabric {Declaration.Name} was taken down while it came up.");
            }
            int ports = hosted.Now.Ports.Count;
            Say(FabricEventKind.SwitchUp, declared.Name, $"Switch {declared.Name} serves {ports} port{(ports == 1 ? "" : "s")}{(hosted.IsChanged ? ", with the changes made before its owner was killed" : "")}.");
            _watches.Add(WatchSwitchAsync(declared, hosted, _options.Time.GetTimestamp()));
        }
        catch (Exception exception) when (exception is TomboloException and not FabricException or ArgumentException)
        {
            throw new FabricException($"Switch {declared.Name} cannot be served: {exception.Message}", exception);
        }
    }

    // A fault of ours ends a switch; its front ends connect again, so it is started again as it was, but not for ever.
    private async Task WatchSwitchAsync(SwitchDeclaration declared, HostedSwitch hosted, long since)
    {
        string name = declared.Name;
        await hosted.Switch.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = _switches.TryRemove(name, out _);
        if (hosted.Switch.Completion.Exception is not { } fault)
        {
            Say(FabricEventKind.SwitchDown, name, $"Switch {name} no longer serves.");
            return;
        }
        await hosted.DisposeAsync();
        bool isAgain = _options.Time.GetElapsedTime(since) >= _longEnough && !_stopping.IsCancellationRequested;
        Say(FabricEventKind.SwitchFailed, name, $"Switch {name} broke: {fault.InnerException?.Message} {(isAgain ? "It is started again." : "It no longer serves.")}");
        if (!isAgain) return;
        _ = _switchRestarts.AddOrUpdate(name, 1, (_, count) => count + 1);
        try { await StartSwitchAsync(declared); }
        catch (FabricException exception) { Say(FabricEventKind.SwitchFailed, name, exception.Message); }
    }

    private async Task<SwitchStatus> DescribeAsync(SwitchDeclaration declared)
    {
        SwitchStatus status = FabricState.Describe(declared, Paths) with { Restarts = _switchRestarts.GetValueOrDefault(declared.Name) };
        if (Switch(declared.Name) is not { } hosted) return status;
        SwitchDeclaration now = hosted.Now;
        SwitchSnapshot snapshot;
        try { snapshot = await hosted.Switch.SnapshotAsync(); }
        catch (ObjectDisposedException) { return status; }   // it ended in this moment
        Dictionary<string, PortSnapshot> ports = snapshot.Ports.ToDictionary(port => port.Options.Name);
        return status with
        {
            IsUp = true,
            IsChanged = hosted.IsChanged,
            Ports = [.. now.Ports.Where(port => ports.ContainsKey(port.Name)).Select(port => Describe(port, ports[port.Name]))],
            Topologies = now.Topologies,
            Learned = [.. snapshot.Learned.Select(one => new LearnedAddress(one.Mac.ToString(), one.Port, Math.Round(one.Age.TotalSeconds, 3)))],
        };
    }

    private SwitchPortStatus Describe(SwitchPortDeclaration port, PortSnapshot snapshot) => new()
    {
        Settings = port,
        Socket = Paths.SocketOf(port),
        ProcessId = snapshot.ProcessId,
        IsUp = snapshot.IsUp,
        Rings = snapshot.Rings,
        Features = snapshot.Features == 0 ? "" : snapshot.Features.ToString(),
        Fault = snapshot.Fault,
        Refusal = snapshot.Refusal,
        LastEnd = snapshot.LastEnd,
        Lost = snapshot.Lost,
        Counters = Enum.GetValues<PortCounter>().ToDictionary(counter => JsonNamingPolicy.CamelCase.ConvertName(counter.ToString()), counter => snapshot[counter]),
    };
}
