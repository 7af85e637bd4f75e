// SPDX-License-Identifier: MIT
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Tombolo.Fabric;
using Tombolo.Linux;

namespace Tombolo.Daemon;

/// <summary>One fabric's life in this process.</summary>
/// <remarks>
/// Theory of operation. The fabric's lock comes first, so whatever follows is ours alone. The admin socket comes before the fabric, so that whoever started us can watch it come up; events are
/// kept for those who come late. From then on one of four things ends the daemon: a signal, POST /stop, or a fabric that cannot be brought up (all of which take it down in order), or kill -9,
/// after which machines and mailboxes go on without us until the next daemon takes them over.
/// </remarks>
internal static class FabricDaemon
{
    private static readonly TimeSpan _starterComes = TimeSpan.FromSeconds(10);   // at most so long does a daemon that failed at once wait for whoever started it

    /// <summary>Runs it.</summary>
    /// <param name="settings">What it was told.</param>
    /// <param name="isAwaited">Whether somebody waits for a report.</param>
    /// <returns>Exit code: 0 after an orderly stop, 1 where the fabric could not be brought up.</returns>
    /// <exception cref="TomboloException">The fabric is running already, or its folder cannot be used.</exception>
    public static async Task<int> RunAsync(DaemonSettings settings, bool isAwaited)
    {
        byte[] source = File.ReadAllBytes(settings.FabricFile);
        FabricReading reading = FabricFile.Parse(source, settings.FabricFile, settings.Root);
        if (reading.Declaration is not { } declaration)
        {
            foreach (Fault fault in reading.Faults) Console.Error.WriteLine(fault);
            return 1;
        }
        _ = ResourceLimit.RaiseOpenFiles();
        using var signals = new StopSignals();
        FabricPaths paths = new(settings.Root, declaration.Name);
        LateLog late = new();
        TraceFeeds traces = new(TimeProvider.System);
        await using FabricHost host = FabricHost.Open(declaration, source, settings.FabricFile, new()
        {
            Root = settings.Root,
            KeeperCommand = KeeperProgram.CommandFrom(AppContext.BaseDirectory),
            Log = late,
            Trace = traces.Of,
        });
        int code;
        using (FileLog logs = new(paths.DaemonLog, settings.IsVerbose ? LogLevel.Debug : LogLevel.Information, TimeProvider.System))
        {
            late.Open(logs.CreateLogger("Mailboxes"));
            code = await HostAsync(host, logs, traces, signals, isAwaited);
        }
        File.Delete(paths.AdminSocket);
        File.Delete(paths.DaemonLog);
        return code;
    }

    private static async Task<int> HostAsync(FabricHost host, FileLog logs, TraceFeeds traces, StopSignals signals, bool isAwaited)
    {
        ILogger log = logs.CreateLogger(nameof(FabricDaemon));
        EventFeed<FabricEvent> feed = new();
        SystemdNotify systemd = new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));
        string version = typeof(FabricDaemon).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        Log.Started(log, version, host.Declaration.Name, Environment.ProcessId, host.Paths.Folder);
        await using WebApplication admin = AdminServer.Build(host.Paths.AdminSocket, logs, routes => AdminEndpoints.Map(routes, host, feed, traces, signals));
        await admin.StartAsync();
        if (isAwaited) DetachedStart.ReportReady();

        Task pump = PumpAsync(host, feed, log);
        bool failed = !await BringUpAsync(host, feed, log, systemd, signals);
        if (!failed) await signals.Requested;
        systemd.Stopping();
        Log.Stopping(log, failed ? "the fabric could not be brought up" : signals.Reason);
        await host.StopAsync();
        await pump;
        if (failed && isAwaited) await feed.FirstListener.WaitAsync(_starterComes, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // to be told why
        feed.End();
        traces.End();
        await admin.StopAsync();   // listeners hear the last events first
        Log.Stopped(log);
        return failed ? 1 : 0;
    }

    /// <returns>False where it cannot be.</returns>
    private static async Task<bool> BringUpAsync(FabricHost host, EventFeed<FabricEvent> feed, ILogger log, SystemdNotify systemd, StopSignals signals)
    {
        try
        {
            IReadOnlyList<string> problems = await host.StartAsync(signals.Token);
            foreach (string problem in problems) Log.Problem(log, problem);
            systemd.Ready(problems.Count == 0 ? $"Fabric {host.Declaration.Name} is up." : string.Join(' ', problems));
            return true;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested) { return true; }
        catch (TomboloException) when (signals.Token.IsCancellationRequested) { return true; }
        catch (TomboloException exception)
        {
            Log.Problem(log, exception.Message);
            feed.Publish(new(TimeProvider.System.GetUtcNow(), FabricEventKind.FabricFailed, host.Declaration.Name, exception.Message));
            return false;
        }
    }

    private static async Task PumpAsync(FabricHost host, EventFeed<FabricEvent> feed, ILogger log)
    {
        await foreach (FabricEvent happened in host.Events.ReadAllAsync())
        {
            Log.Happened(log, happened.Kind.ToString(), happened.Subject, happened.Sentence);
            feed.Publish(happened);
        }
    }
}
