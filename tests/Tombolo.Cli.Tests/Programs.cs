// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.Cli.Tests;

/// <summary>The built program as a process of its own, in a folder of its own. Disposing ends what still runs and is known by a pid file.</summary>
internal sealed class Programs : IDisposable
{
    /// <summary>How long anything may take before the test counts as hung.</summary>
    public static readonly TimeSpan Watchdog = TimeSpan.FromSeconds(60);

    private readonly List<Process> _started = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("tombolo-cli-").FullName;

    public static string Tombolo { get; } = Path.Combine(AppContext.BaseDirectory.Replace("/tests/Tombolo.Cli.Tests/", "/src/Tombolo.Cli/", StringComparison.Ordinal), "tombolo");

    /// <summary>The folder of all fabrics of this test.</summary>
    public string Runtime => InFolder("run");

    public string InFolder(string name) => Path.Combine(Folder, name);

    /// <summary>Runs to the end.</summary>
    public async Task<CommandLine> RunAsync(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Watchdog);
        return new(process.ExitCode, await output.WaitAsync(Watchdog), await error.WaitAsync(Watchdog));
    }

    /// <summary>Starts a program whose streams the test holds.</summary>
    public Process Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Folder };
        start.Environment["XDG_STATE_HOME"] = InFolder("state");
        start.Environment["TOMBOLO_RUNTIME_DIR"] = Runtime;
        start.Environment["TERM"] = "xterm";
        start.Environment["LC_ALL"] = "C";
        Process process = Process.Start(start)!;
        _started.Add(process);
        return process;
    }

    /// <summary>Waits until a process that is not our child is gone.</summary>
    public static async Task EndedAsync(int processId)
    {
        using SafeFd? handle = LinuxProcess.TryOpen(processId);
        if (handle is null) return;
        using Epoll epoll = new();
        epoll.Add(handle, EpollEvents.Readable, 0);
        int count = await Task.Run(() => epoll.Wait(new EpollReport[1], Watchdog));
        count.ShouldBe(1, $"process {processId} did not end");
    }

    /// <summary>Reads lines until one holds a text.</summary>
    public static async Task<string> LineWithAsync(TextReader reader, string text)
    {
        List<string> before = [];
        while (await reader.ReadLineAsync().WaitAsync(Watchdog) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal)) return line;
            before.Add(line);
        }
        throw new ShouldAssertException($"No line with '{text}' came before the end; there were: {string.Join(" | ", before)}");
    }

    public void Dispose()
    {
        // What a failed test left: daemons, machines and keepers go the way a user would send them.
        foreach (string folder in Directory.Exists(Runtime) ? Directory.GetDirectories(Runtime) : [])
            if (Path.GetFileName(folder) is var name && !name.StartsWith('.')) RunAsync(Tombolo, "down", "--fabric", name).GetAwaiter().GetResult();
        foreach (Process process in _started)
        {
            try { process.Kill(); }
            catch (InvalidOperationException) { }   // it has ended, or its object is disposed
            process.Dispose();
        }
        foreach (string file in Directory.EnumerateFiles(Folder, "*.pid"))
            if (int.TryParse(File.ReadAllText(file), out int pid)) _ = LinuxProcess.TrySignal(pid, Signal.Kill);
        Directory.Delete(Folder, recursive: true);
    }
}
