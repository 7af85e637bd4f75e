// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Samples.ZeroMq.Programs;

/// <summary>Scenario 3, push and pull: work is handed out, done side by side, and collected.</summary>
internal static class Tasks
{
    /// <summary>source: "0" to the sink, then workloads of 1 to 100 ms to the workers in turn.</summary>
    public static void HandOut(Arguments arguments)
    {
        int count = arguments.Number(2, 1);
        using ZmqSocket sink = new(SocketType.Push), workers = new(SocketType.Push);
        workers.Bind(arguments.Text(0));
        sink.Connect(arguments.Text(1));
        Thread.Sleep(TimeSpan.FromSeconds(1));   // work is shared among the workers who are there: let all of them come
        sink.Send("0");
        Random random = new(1);
        int total = 0;
        for (int i = 0; i < count; i++)
        {
            int workload = random.Next(1, 101);
            total += workload;
            workers.Send(workload.ToString(CultureInfo.InvariantCulture));
        }
        Console.WriteLine($"Total expected cost: {total} msec");
    }

    /// <summary>worker: does what it is given, for ever.</summary>
    public static void Work(Arguments arguments)
    {
        using ZmqSocket tasks = new(SocketType.Pull), sink = new(SocketType.Push);
        tasks.Connect(arguments.Text(0));
        sink.Connect(arguments.Text(1));
        while (true)
        {
            string text = tasks.ReceiveText().TrimEnd('\0');
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int workload)) throw new InvalidDataException($"'{text}' is no workload");
            Console.Write($"{text}.");
            Console.Out.Flush();
            Thread.Sleep(workload);
            sink.Send("");
        }
    }

    /// <summary>sink: waits for the start, then for so many results; ':' is every tenth.</summary>
    public static void Collect(Arguments arguments)
    {
        int count = arguments.Number(1, 1);
        using ZmqSocket socket = new(SocketType.Pull);
        socket.Bind(arguments.Text(0));
        _ = socket.ReceiveText();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            _ = socket.ReceiveText();
            Console.Write(i % 10 == 0 ? ':' : '.');
            Console.Out.Flush();
        }
        Console.WriteLine($"\nTotal elapsed time: {(long)Stopwatch.GetElapsedTime(start).TotalMilliseconds} msec");
    }
}
