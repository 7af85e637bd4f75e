// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Machines;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>Guests that run a script each, with files of the test's own in their image, and what their consoles say.</summary>
internal sealed partial class GuestTrial(TemporaryFolder folder) : IAsyncDisposable
{
    public static readonly TimeSpan Watchdog = TimeSpan.FromMinutes(4);

    private static readonly Lazy<string> _tools = new(BuildTools);
    private readonly ProcessWatcher _watcher = new();
    private readonly List<Machine> _machines = [];

    /// <summary>Starts a guest; it runs the script once its drivers are up.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="script">Lines of its script.</param>
    /// <param name="tools">Programs of guest/linux/test that it shall have, in /bin.</param>
    /// <param name="change">Anything else.</param>
    public Machine Start(string name, IEnumerable<string> script, string[]? tools = null, Func<MachineOptions, MachineOptions>? change = null)
    {
        GuestImage image = GuestImage.Find().ShouldNotBeNull("the guest image is not built: run 'make guest'");
        var options = new MachineOptions
        {
            Name = name,
            KernelPath = image.KernelPath,
            InitrdPath = tools is null ? image.InitrdPath : WithTools(image.InitrdPath, folder[$"{name}.initrd"], tools),
            Run = [.. script],
            Append = "oops=panic",   // a kernel that found a fault must not go on as if nothing were
            Restart = RestartPolicy.Never,
        };
        var host = new MachineHost(ProgramPath.Find("qemu-system-x86_64").ShouldNotBeNull(), _ => Acceleration.Tcg, _watcher, TimeProvider.System);
        var machine = new Machine(change?.Invoke(options) ?? options, new(folder[name]), host);
        _machines.Add(machine);
        machine.Start();
        return machine;
    }

    /// <summary>Waits until the guest's script has ended well, and gives what the console said.</summary>
    public static async Task<string> EndedWellAsync(Machine machine)
    {
        using var watchdog = new CancellationTokenSource(Watchdog);
        try
        {
            await foreach (ConsoleLine line in ConsoleLog.FollowAsync(machine.Folder.ConsoleLog, 0, watchdog.Token))   // also lines that are not whole yet
            {
                if (line.Text.Contains("TOMBOLO-EXIT 0", StringComparison.Ordinal)) return ConsoleOf(machine);
                if (Failure().IsMatch(line.Text) || Machine.FindRunning(machine.Folder) is null) break;
            }
        }
        catch (OperationCanceledException) { }
        throw new InvalidOperationException($"{machine.Options.Name} did not end well:\n{ConsoleOf(machine)}\n{(File.Exists(machine.Folder.QemuLog) ? File.ReadAllText(machine.Folder.QemuLog) : "")}");
    }

    public static string ConsoleOf(Machine machine)
    {
        if (!File.Exists(machine.Folder.ConsoleLog)) return "";
        using FileStream stream = new(machine.Folder.ConsoleLog, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(stream).ReadToEnd();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Machine machine in _machines) _ = machine.Kill();   // nothing is gained by an orderly shut-down here
        foreach (Machine machine in _machines) await machine.StopAsync();
        foreach (Machine machine in _machines) await machine.DisposeAsync();
        _watcher.Dispose();
    }

    private static string BuildTools()
    {
        string output = Path.Combine(AppContext.BaseDirectory, "guest-tools");
        using Process make = Process.Start(new ProcessStartInfo("make", ["-s", "-C", RepositoryFile.PathOf("guest/linux/test"), "tools", $"OUT={output}"]))!;
        make.WaitForExit();
        make.ExitCode.ShouldBe(0);
        return output;
    }

    private static string WithTools(string initrd, string path, string[] tools) => WithPrograms(initrd, path, tools.Select(tool => Path.Combine(_tools.Value, tool)));

    /// <summary>Makes an initial file system that has more programs, in /bin.</summary>
    /// <param name="initrd">The one without them.</param>
    /// <param name="path">The new one.</param>
    /// <param name="programs">Files that are to be there.</param>
    public static string WithPrograms(string initrd, string path, IEnumerable<string> programs)
    {
        // The kernel unpacks archives one after the other; a plain one begins at a multiple of four.
        using FileStream stream = File.Create(path);
        using (FileStream image = File.OpenRead(initrd)) image.CopyTo(stream);
        stream.Write(new byte[(4 - (stream.Length % 4)) % 4]);
        foreach (string program in programs) WriteEntry(stream, $"bin/{Path.GetFileName(program)}", 0x81ED, File.ReadAllBytes(program));   // a file that all may run
        WriteEntry(stream, "TRAILER!!!", 0, []);
        return path;
    }

    [GeneratedRegex("TOMBOLO-EXIT [1-9]")] private static partial Regex Failure();

    // Source: cpio(5), "New ASCII Format": a magic, thirteen numbers of eight hex digits, the name with its NUL, the bytes; name and bytes are padded to four.
    private static void WriteEntry(Stream stream, string name, int mode, byte[] bytes)
    {
        int[] numbers = [0, mode, 0, 0, 1, 0, bytes.Length, 0, 0, 0, 0, name.Length + 1, 0];
        byte[] head = Encoding.ASCII.GetBytes($"070701{string.Concat(numbers.Select(static number => number.ToString("X8", null)))}{name}\0");
        stream.Write(head);
        stream.Write(new byte[(4 - (head.Length % 4)) % 4]);
        stream.Write(bytes);
        stream.Write(new byte[(4 - (bytes.Length % 4)) % 4]);
    }
}
