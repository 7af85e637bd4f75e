// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Tombolo.Machines;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>A real Xen in an emulated machine, with a dom0 and the PV domains a and b (see guest/xen/README.md). It is booted once for all tests of a class.</summary>
public sealed class XenMachine : IAsyncLifetime
{
    /// <summary>Far beyond what a loaded machine needs.</summary>
    public static readonly TimeSpan Watchdog = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-").FullName;
    private readonly StringBuilder _log = new();
    private readonly TaskCompletionSource<string> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? _qemu;
    private Socket? _line;
    private Task _reading = Task.CompletedTask;

    internal XenShell Dom0 { get; private set; } = null!;

    internal XenShell A { get; private set; } = null!;

    internal XenShell B { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Dom0 = new("dom0", Send, Log);
        A = new("a", line => Send($"0 domain say a '{line.Replace("'", "'\\''", StringComparison.Ordinal)}'"), Log);
        B = new("b", line => Send($"0 domain say b '{line.Replace("'", "'\\''", StringComparison.Ordinal)}'"), Log);
        string image = RepositoryFile.PathOf("artifacts/xen");
        foreach (string file in new[] { "xen", "vmlinux", "dom0.cpio" }) File.Exists(Path.Combine(image, file)).ShouldBeTrue($"{image}/{file} is not there: run 'make xen'");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder, "line")));
        listener.Listen();
        _qemu = Process.Start(new ProcessStartInfo("timeout", ["-k", "5", "1200", ProgramPath.Find("qemu-system-x86_64").ShouldNotBeNull(), .. Arguments(image)]))!;
        using CancellationTokenSource watchdog = new(Watchdog);
        _line = await listener.AcceptAsync(watchdog.Token);
        _reading = ReadAsync();
        await ReadyAsync(Dom0, A, B);
    }

    public async Task DisposeAsync()
    {
        if (_line is not null && !_reading.IsCompleted) Send("0 poweroff -f");
        if (_qemu is not null)
        {
            try { await _qemu.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token); }
            catch (OperationCanceledException) { _qemu.Kill(entireProcessTree: true); }
            _qemu.Dispose();
        }
        await _reading;
        _line?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Destroys a domain, as a crash would, and says that its commands are gone.</summary>
    internal async Task DestroyAsync(XenShell domain)
    {
        _ = await Dom0.RunAsync($"xl destroy {domain.Name}");
        domain.Forget();
    }

    /// <summary>Makes a domain anew.</summary>
    internal async Task StartAsync(XenShell domain)
    {
        _ = await Dom0.RunAsync($"domain start {domain.Name}");
        await ReadyAsync(domain);
    }

    /// <summary>A domain's number.</summary>
    internal async Task<string> NumberOfAsync(XenShell domain) => (await Dom0.RunAsync($"xl domid {domain.Name}")).Trim();

    private async Task ReadyAsync(params XenShell[] domains)
    {
        Task ready = Task.WhenAll(domains.Select(domain => domain.Ready));
        if (await Task.WhenAny(ready, _failed.Task, Task.Delay(Watchdog)) == ready) return;
        string console = Path.Combine(_folder, "console");
        throw new InvalidOperationException($"Xen is not ready: {(_failed.Task.IsCompleted ? _failed.Task.Result : "nothing more is said")}\n{Log()}\n{(File.Exists(console) ? string.Join('\n', File.ReadLines(console).TakeLast(30)) : "")}");
    }

    // Source of the recipe: Xen's multiboot modules are dom0's kernel with its command line, and its initramfs; a comma within is doubled.
    private string[] Arguments(string image) =>
    [
        "-accel", "tcg", "-m", "1280", "-smp", "2", "-display", "none", "-no-reboot", "-nodefaults",
        "-cpu", "qemu64,+rdrand,+ssse3,+sse4.1,+sse4.2,+popcnt",
        "-serial", $"file:{Path.Combine(_folder, "console")}", "-chardev", $"socket,id=line,path={Path.Combine(_folder, "line")}", "-serial", "chardev:line",
        "-kernel", Path.Combine(image, "xen"),
        "-append", "com1=115200,8n1 console=com1 dom0_mem=480M,max:480M dom0_max_vcpus=1 spec-ctrl=no",
        "-initrd", $"{Path.Combine(image, "vmlinux")} console=hvc0 mitigations=off quiet oops=panic domains=a,,b,{Path.Combine(image, "dom0.cpio")}",
    ];

    private void Send(string line)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(line + "\n");
        lock (_log)
        {
            _ = _log.Append("> ").AppendLine(line);
            _ = _line!.Send(bytes);
        }
    }

    private async Task ReadAsync()
    {
        using NetworkStream stream = new(_line!);
        using StreamReader reader = new(stream, Encoding.ASCII);
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_log) _ = _log.AppendLine(line);
                if (line.StartsWith("! ", StringComparison.Ordinal)) _ = _failed.TrySetResult(line[2..]);
                XenShell domain = line.StartsWith("a ", StringComparison.Ordinal) ? A : line.StartsWith("b ", StringComparison.Ordinal) ? B : Dom0;
                _ = domain.Take(domain == Dom0 ? line : line[2..]);
            }
        }
        catch (IOException) { }   // QEMU is gone
        _ = _failed.TrySetResult("the machine is gone");
        foreach (XenShell domain in new[] { Dom0, A, B }) domain.Forget();
    }

    // What was said last, by and to everybody.
    private string Log()
    {
        lock (_log) return string.Join('\n', _log.ToString().Split('\n').TakeLast(60));
    }
}
