// SPDX-License-Identifier: MIT
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Tombolo.Daemon.Tests;

public sealed class FileLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-log-").FullName;

    private string LogFile => Path.Combine(_folder, "log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Log_HostileText_IsOneLine()
    {
        using (FileLog log = new(LogFile, LogLevel.Information, TimeProvider.System))
            Log.Started(log.CreateLogger("A.B.C"), "1", "evil\n2026 Error \x1b[2J", 1, "/x");

        string line = File.ReadAllLines(LogFile).ShouldHaveSingleItem();
        line.ShouldContain(" Information C 5000 tombolod 1 runs the fabric evil 2026 Error  [2J");
    }

    [Fact]
    public void Log_LessThanTheLevel_IsPassedOver()
    {
        using (FileLog log = new(LogFile, LogLevel.Warning, TimeProvider.System)) Log.Stopped(log.CreateLogger("x"));

        File.ReadAllText(LogFile).ShouldBeEmpty();
    }

    [Fact]
    public void Log_FileOfAnEarlierDaemon_IsAppendedTo()
    {
        for (int i = 0; i < 2; i++)
            using (FileLog log = new(LogFile, LogLevel.Information, TimeProvider.System)) Log.Stopped(log.CreateLogger("x"));

        File.ReadAllLines(LogFile).Length.ShouldBe(2);
    }

    [Fact]
    public void Log_File_IsReadableByItsOwnerAlone()
    {
        using FileLog log = new(LogFile, LogLevel.Information, TimeProvider.System);

        File.GetUnixFileMode(LogFile).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void Log_AfterDispose_IsPassedOver()
    {
        FileLog log = new(LogFile, LogLevel.Information, TimeProvider.System);
        ILogger logger = log.CreateLogger("x");
        log.Dispose();

        Should.NotThrow(() => Log.Stopped(logger));
    }

    [Fact]
    public void EventIds_OfAllProjects_AreUnique()
    {
        var ids = from file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
                  where Path.GetFileName(file) is var name && (name.StartsWith("Tombolo.", StringComparison.Ordinal) || name == "tombolod.dll")
                  from type in Assembly.LoadFrom(file).GetTypes()
                  from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                  let attribute = method.GetCustomAttribute<LoggerMessageAttribute>()
                  where attribute is not null
                  select (attribute.EventId, Name: $"{type.FullName}.{method.Name}");

        var all = ids.ToList();
        all.Count.ShouldBeGreaterThan(10, "the daemon's and the doorbell server's at the least");
        all.GroupBy(one => one.EventId).Where(group => group.Count() > 1).SelectMany(group => group.Select(one => one.Name)).ShouldBeEmpty();
    }
}
