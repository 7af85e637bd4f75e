// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>What runs processors on this host, and why.</summary>
/// <param name="Acceleration">Kvm or Tcg.</param>
/// <param name="Reason">The reason, a sentence.</param>
public sealed record AccelChoice(Acceleration Acceleration, string Reason);

/// <summary>Measures whether KVM boots a guest here.</summary>
/// <remarks>
/// That /dev/kvm can be opened, makes machines and processors, and that QEMU starts with it proves nothing: on some virtual hosts all of it works and a Linux kernel
/// still hangs before its first line. So a real kernel is booted until it names itself. A result is kept for this boot of the host, this QEMU and this kernel.
/// </remarks>
public sealed class AccelProbe
{
    private const string FirstWords = "Linux version";   // the first line of every Linux kernel's log
    private readonly string _qemuPath;
    private readonly string _folder;
    private readonly ProcessWatcher _watcher;
    private readonly TimeProvider _time;

    /// <summary>Prepares a probe.</summary>
    /// <param name="qemuPath">The QEMU program.</param>
    /// <param name="folder">Where the result is kept and the trial's log is written; made where it does not exist.</param>
    /// <param name="watcher">Tells when the trial's QEMU ends; borrowed.</param>
    /// <param name="time">The clock of the trial's limit.</param>
    public AccelProbe(string qemuPath, string folder, ProcessWatcher watcher, TimeProvider time) => (_qemuPath, _folder, _watcher, _time) = (qemuPath, folder, watcher, time);

    /// <summary>How long the trial kernel may take to its first line. Default 8 s; with working KVM it takes well under one.</summary>
    public TimeSpan TrialLimit { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Asks the kernel's facility itself; a test may answer in its place.</summary>
    internal Func<string?> WhyNot { get; init; } = Kvm.WhyNot;

    /// <summary>Chooses.</summary>
    /// <param name="kernelPath">The kernel to try with; null for one of /boot.</param>
    /// <param name="cancel">Ends the trial.</param>
    public async Task<AccelChoice> ChooseAsync(string? kernelPath, CancellationToken cancel)
    {
        if (WhyNot() is { } reason) return new(Acceleration.Tcg, $"Emulation (tcg), because {reason}.");
        kernelPath ??= NewestKernel();
        if (kernelPath is null || !File.Exists(kernelPath)) return new(Acceleration.Tcg, "Emulation (tcg), because KVM answers but there is no kernel to prove it with; 'accel: kvm' insists.");
        _ = Directory.CreateDirectory(_folder);
        string key = string.Join('|', ProcessIdentity.CurrentBoot, Stamp(_qemuPath), Stamp(kernelPath));
        string store = Path.Combine(_folder, "accel.json");
        if (TryLoad(store) is { } kept && kept.Key == key) return kept.Choice;
        AccelChoice choice = await TryBootAsync(kernelPath, cancel)
            ? new(Acceleration.Kvm, "KVM, which boots a kernel here.")
            : new(Acceleration.Tcg, $"Emulation (tcg), because KVM answers but a kernel does not boot with it: no first line within {TrialLimit.TotalSeconds:0.#} s.");
        string draft = $"{store}.{Environment.ProcessId}.new";
        await File.WriteAllTextAsync(draft, JsonSerializer.Serialize(new AccelResult(key, choice), AccelJson.Default.AccelResult), cancel);
        File.Move(draft, store, overwrite: true);
        return choice;
    }

    private async Task<bool> TryBootAsync(string kernelPath, CancellationToken cancel)
    {
        string name = $"accel-trial-{Environment.ProcessId}";
        string console = Path.Combine(_folder, name + ".console"), output = Path.Combine(_folder, name + ".log");
        // timeout(1) ends the trial even if we are killed in the middle of it: a hung guest would spin for ever.
        string timeout = ProgramPath.Find("timeout") ?? throw new MachineException("The program timeout is not installed; 'apt-get install coreutils' installs it.");
        string limit = Math.Ceiling(TrialLimit.TotalSeconds + 5).ToString(CultureInfo.InvariantCulture);
        int processId = LinuxProcess.StartInOwnSession(timeout, ["-s", "KILL", limit, _qemuPath, .. TrialArguments(kernelPath, console)], output);
        SafeFd process = LinuxProcess.TryOpen(processId) ?? throw new MachineException("The KVM trial ended before it could be watched.");
        using SafeFd signals = process.Duplicate();
        Task<ProcessExit?> ended = _watcher.WatchAsync(process);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task<bool> spoke = SpeaksAsync(console, over.Token);
        try
        {
            _ = await Task.WhenAny(spoke, ended, Task.Delay(TrialLimit, _time, over.Token));
            cancel.ThrowIfCancellationRequested();
            return spoke is { IsCompletedSuccessfully: true, Result: true } || (File.Exists(console) && (await File.ReadAllTextAsync(console, cancel)).Contains(FirstWords, StringComparison.Ordinal));
        }
        finally
        {
            await over.CancelAsync();
            await ((Task)spoke).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _ = LinuxProcess.TrySignal(signals, Signal.Terminate);   // timeout(1) passes it on
            _ = await ended;
            File.Delete(console);
            File.Delete(output);
        }
    }

    private static string[] TrialArguments(string kernelPath, string console) =>
    [
        "-name", "tombolo-accel-trial", "-accel", "kvm", "-cpu", "host", "-m", "256M", "-nodefaults", "-no-user-config", "-nographic", "-no-reboot",
        "-serial", $"file:{QemuCommand.Escape(console)}", "-kernel", kernelPath, "-append", "console=ttyS0 earlyprintk=ttyS0 panic=-1",
    ];

    private static async Task<bool> SpeaksAsync(string console, CancellationToken over)
    {
        await foreach (ConsoleLine line in ConsoleLog.FollowAsync(console, 0, over))
            if (line.Text.Contains(FirstWords, StringComparison.Ordinal)) return true;
        return false;
    }

    private static string? NewestKernel() =>
        Directory.Exists("/boot") ? Directory.GetFiles("/boot", "vmlinuz-*").OrderByDescending(File.GetLastWriteTimeUtc).FirstOrDefault() : null;

    private static string Stamp(string path) => $"{path}@{File.GetLastWriteTimeUtc(path).Ticks}";

    private static AccelResult? TryLoad(string path)
    {
        try { return JsonSerializer.Deserialize(File.ReadAllText(path), AccelJson.Default.AccelResult) is { Key: not null, Choice: not null } result ? result : null; }
        catch (IOException) { return null; }
        catch (JsonException) { return null; }
    }
}

internal sealed record AccelResult(string Key, AccelChoice Choice);

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(AccelResult))]
internal sealed partial class AccelJson : JsonSerializerContext;
